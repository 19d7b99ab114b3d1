// Bundles the extension; with --tests also the tests that run inside the extension host, which are never shipped.
import { build } from "esbuild";
import { readFileSync, writeFileSync } from "node:fs";

const isRelease = process.argv.includes("--minify");

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
  minify: isRelease,
  sourcemap: !isRelease,
});
writeFileSync("dist/README.md", pageOf(readFileSync("README.md", "utf8")));
if (process.argv.includes("--tests")) {
  await build({
    ...common,
    entryPoints: ["test/host/index.ts", "test/host/extension.test.ts"],
    outdir: "dist-test",
    external: ["vscode", "mocha"],
  });
}

/**
 * The README as the extension's page in VS Code, which shows only pictures with an https address: with IMAGES_URL, where
 * this folder is published, they get one; without it they are left out. (The walkthrough shows those in the package.)
 */
function pageOf(readme) {
  const address = process.env.IMAGES_URL?.replace(/\/+$/, "");
  if (address && !address.startsWith("https://")) {
    throw new Error(`IMAGES_URL is ${address}; VS Code shows only pictures whose address begins with https://.`);
  }
  return readme.replace(/!\[(.*?)\]\((media\/.*?)\)\n\n/g, (_picture, alt, path) =>
    address ? `![${alt}](${address}/${path})\n\n` : "",
  );
}
