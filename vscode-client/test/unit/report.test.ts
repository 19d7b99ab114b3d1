import { expect, it } from "vitest";
import { shortened } from "../../src/support/printable";
import { renderFacts } from "../../src/support/report";
import { folder, HOUSE_STYLE, status } from "./samples";

const FACTS = {
  extension: "0.1.0",
  vscode: "1.139.0",
  platform: "linux x64",
  remote: "",
  trusted: true,
  folders: 1,
  interpreter: "/users/me/venv/bin/python",
  state: { kind: "running" } as const,
  status: status([folder({ adapter: HOUSE_STYLE })]),
  lastLines: "Traceback\n  /users/me/x.py",
  home: "/users/me",
};

it("says what helps to diagnose a problem, and not who the user is", () => {
  const text = renderFacts(FACTS);
  for (const said of ["pid 42", "adapter rank 8, 0123456789ab", "~/venv/bin/python", "~/x.py", "1234 chunks"]) {
    expect(text).toContain(said);
  }
  expect(text).not.toContain("/users/me");
  expect(text).not.toContain(HOUSE_STYLE.path);
});

it("says why the server does not run", () => {
  const text = renderFacts({ ...FACTS, state: { kind: "failed", message: "a | b" }, status: undefined });
  expect(text).toContain("| Server | failed: a \\| b |");
});

it("paths are as people would write them", () => {
  const text = "/users/me/shop/a lacks what /users/me/b has, and C:\\me\\c";
  expect(shortened(text, ["/users/me/shop", "/"], "/users/me")).toBe("a lacks what ~/b has, and C:\\me\\c");
  expect(shortened(text, [], "C:\\me")).toContain("~\\c");
});
