/** What all stories need, made once: real adapters. They are kept, since training one takes a moment. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { adaptersFolder, python, vsix } from "./places.ts";

export default function prepare(): void {
  for (const [what, path, remedy] of [
    ["the packaged extension", vsix, "make vsix"],
    ["the Python environment", python, "make .venv/.ready"],
  ] as const) {
    if (!existsSync(path)) {
      throw new Error(`The stories need ${what}, and ${path} is not there: ${remedy}`);
    }
  }
  if (!existsSync(`${adaptersFolder}/for-another-model/adapter_config.json`)) {
    execFileSync(python, ["-W", "ignore", `${import.meta.dirname}/adapters.py`, adaptersFolder], { stdio: "inherit" });
  }
}
