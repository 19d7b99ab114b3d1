// Bundles the extension; with --tests also the tests that run inside the extension host, which are never shipped.
import { build } from "esbuild";

const common = {
  // Some packages have a "main" that a bundler cannot follow.
  mainFields: ["module", "main"],
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  logLevel: "warning",
};
await build({
  ...common,
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.js",
  external: ["vscode"],
  minify: process.argv.includes("--minify"),
});
if (process.argv.includes("--tests")) {
  await build({
    ...common,
    entryPoints: ["test/host/index.ts", "test/host/extension.test.ts"],
    outdir: "dist-test",
    external: ["vscode", "mocha"],
  });
}
