import type { FoundAdapter } from "../protocol";
import { printableLabel } from "../support/printable";
import { megabytes } from "../status/indicator";
import { signed } from "./outcome";

/** A row of the adapter list. */
export interface AdapterRow {
  kind: "adapter" | "base" | "browse" | "train";
  label: string;
  description: string;
  detail: string;
  adapter?: FoundAdapter;
}

/** Usable adapters first, then the other choices, and last the unusable adapters with the reason. */
export function adapterRows(
  adapters: readonly FoundAdapter[],
  model: string,
  shorten = (text: string) => text,
): { title: string; rows: AdapterRow[] }[] {
  const usable = adapters.filter((adapter) => adapter.problem === "");
  const unusable = adapters.filter((adapter) => adapter.problem !== "");
  const isBaseActive = !adapters.some((adapter) => adapter.active);
  const base: AdapterRow = {
    kind: "base",
    label: `${isBaseActive ? "$(check) " : ""}Base model only`,
    description: printableLabel(model),
    detail: "No adapter is used.",
  };
  const browse: AdapterRow = { kind: "browse", label: "$(folder-opened) Browse…", description: "", detail: "" };
  const train: AdapterRow = { kind: "train", label: "$(beaker) Train an Adapter…", description: "", detail: "" };
  return [
    { title: "adapters", rows: usable.map((adapter) => rowOf(adapter, shorten)) },
    { title: "", rows: [base, train, browse] },
    { title: "cannot be used", rows: unusable.map((adapter) => rowOf(adapter, shorten)) },
  ].filter(({ rows }) => rows.length > 0);
}

function rowOf(adapter: FoundAdapter, shorten: (text: string) => string): AdapterRow {
  const icon = adapter.problem ? "$(warning) " : adapter.active ? "$(check) " : "";
  return {
    kind: "adapter",
    label: `${icon}${printableLabel(adapter.name)}`,
    description: adapter.problem ? "" : printableLabel(describe(adapter)),
    detail: printableLabel(shorten(adapter.problem || adapter.path)),
    adapter,
  };
}

function describe({ rank, alpha, side, sizeBytes, baseModel, created, searchGain }: FoundAdapter): string {
  const parts = [
    rank > 0 ? `rank ${rank}, alpha ${alpha}` : "",
    side === "query" ? "queries only" : "",
    sizeBytes > 0 ? megabytes(sizeBytes) : "",
    baseModel && !isPath(baseModel) ? `for ${baseModel.split("/").at(-1) ?? baseModel}` : "",
    created ? `trained ${created.slice(0, "2000-01-01".length)}` : "",
    searchGain === null ? "" : `search ${signed(searchGain)} MRR@10`,
  ];
  return parts.filter((part) => part !== "").join(" · ");
}

/** The name of a local model's folder means nothing to the user. */
function isPath(model: string): boolean {
  return /^(?:[/\\~.]|[A-Za-z]:[/\\])/.test(model);
}

/** How the setting spells a folder: relative to the workspace folder if it is in it, `~` for the home folder. */
export function settingFor(path: string, folder: string, home: string): string {
  const inside = below(path, folder);
  if (inside !== undefined) {
    return inside === "" ? "." : inside;
  }
  const atHome = home === "" ? undefined : below(path, home);
  return atHome === undefined ? path : `~/${atHome}`;
}

function below(path: string, parent: string): string | undefined {
  const [inner, outer] = [path, parent].map((one) => one.replaceAll("\\", "/").replace(/\/+$/, ""));
  if (inner === outer) {
    return "";
  }
  return inner?.startsWith(`${outer ?? ""}/`) ? inner.slice((outer ?? "").length + 1) : undefined;
}
