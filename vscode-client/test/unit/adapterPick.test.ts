import { describe, expect, it } from "vitest";
import { adapterRows, settingFor } from "../../src/adapter/adapterPick";
import { found } from "./samples";

describe("the list of adapters", () => {
  const active = found({ name: "b", active: true });
  const misfit = found({ name: "c", problem: "/a/c was made for codebert-base.", path: "/a/c" });
  const groups = adapterRows([found({ name: "a" }), active, misfit], "all-MiniLM-L6-v2", (text) =>
    text.replace("/a/", ""),
  );

  it("has usable ones first and the others last, with the reason", () => {
    expect(groups.map(({ title, rows }) => [title, rows.map(({ label }) => label)])).toEqual([
      ["adapters", ["a", "$(check) b"]],
      ["", ["Base model only", "$(beaker) Train an Adapter…", "$(folder-opened) Browse…"]],
      ["cannot be used", ["$(warning) c"]],
    ]);
    expect(groups[2]?.rows[0]?.detail).toBe("c was made for codebert-base.");
  });

  it("describes an adapter in a line", () => {
    expect(groups[0]?.rows[0]?.description).toBe("rank 8, alpha 16 · 1 MB · for all-MiniLM-L6-v2");
    const [queries] = adapterRows([found({ side: "query", sizeBytes: 0 })], "m");
    expect(queries?.rows[0]?.description).toBe("rank 8, alpha 16 · queries only · for all-MiniLM-L6-v2");
  });

  it("says when an adapter was trained and what it gained", () => {
    const trained = found({ sizeBytes: 0, baseModel: "", created: "2026-05-04T10:00:00+00:00", searchGain: -0.0123 });
    const [groups] = adapterRows([trained], "m");
    expect(groups?.rows[0]?.description).toBe("rank 8, alpha 16 · trained 2026-05-04 · search −0.012 MRR@10");
  });

  it("does not name a base model by its folder", () => {
    const [local] = adapterRows([found({ baseModel: "/models/base/model", sizeBytes: 0 })], "m");
    expect(local?.rows[0]?.description).toBe("rank 8, alpha 16");
  });

  it("marks the base model where no adapter is active", () => {
    const [choices] = adapterRows([], "all-MiniLM-L6-v2");
    expect(choices?.rows[0]).toMatchObject({ label: "$(check) Base model only", description: "all-MiniLM-L6-v2" });
  });
});

describe("how the setting spells a folder", () => {
  it.each([
    ["/code/shop/adapters/a", "adapters/a"],
    ["/code/shop", "."],
    ["/users/me/adapters/a", "~/adapters/a"],
    ["/code/shopping/a", "/code/shopping/a"],
    ["C:\\work\\shop\\a", "C:\\work\\shop\\a"],
  ])("%s is %s", (path, setting) => {
    expect(settingFor(path, "/code/shop", "/users/me")).toBe(setting);
  });

  it("works with either kind of slash", () => {
    expect(settingFor("C:\\shop\\adapters\\a", "C:\\shop", "")).toBe("adapters/a");
  });
});
