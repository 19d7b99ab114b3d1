/** `make editor`: a real VS Code on a folder, with the packaged extension in it, until Ctrl+C. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { out, python, vsix } from "./places.ts";
import { Workbench } from "./workbench.ts";

const folder = process.argv[2] ?? process.cwd();
const workbench = await Workbench.start({
  vsix: [vsix],
  machine: { "codecontext.python.interpreter": python },
  // Indexes are kept, so that the second time there is nothing to wait for.
  env: { CODECONTEXT_HOME: join(out, "codecontext-home") },
  log: join(out, "editor.log"),
});
const url = workbench.url(folder);
process.stdout.write(`VS Code is ready on ${folder}:\n\n    ${url}\n\nAlt+Shift+S searches. Ctrl+C ends it.\n`);
const opener = process.platform === "darwin" ? "open" : "xdg-open";
spawn(opener, [url], { stdio: "ignore", detached: true }).on("error", () => undefined);

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void workbench.stop().then(() => process.exit(0)));
}
