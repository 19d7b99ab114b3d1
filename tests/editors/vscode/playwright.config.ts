import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "stories",
  outputDir: "out/failures",
  globalSetup: "./prepare.ts",
  workers: 1, // One VS Code at a time is what two cores carry.
  timeout: 180_000,
  expect: { timeout: 30_000 },
  forbidOnly: process.env["CI"] === "true",
  retries: process.env["CI"] === "true" ? 2 : 0, // A machine that does other things at once may be too slow once.
  reporter: [["list"], ["json", { outputFile: "out/stories.json" }]],
  use: {
    browserName: "chromium",
    viewport: { width: 1280, height: 800 },
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"],
    },
  },
});
