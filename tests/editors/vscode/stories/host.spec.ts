import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "../fixtures.ts";
import { out, python, repository, vsix } from "../places.ts";
import { PROJECT } from "../project.ts";
import { Window } from "../window.ts";
import { Workbench } from "../workbench.ts";

test("the tests inside the extension host pass", async ({ page }) => {
  test.setTimeout(300_000);
  const report = join(out, "host.txt");
  const workbench = await Workbench.start({
    vsix: [vsix],
    machine: { "codecontext.python.interpreter": python },
    env: { HOST_TEST_REPORT: report },
    testDriver: true,
    log: join(out, "server-host.log"),
  });
  try {
    const ended = new Promise<number>((resolve) => {
      void page.exposeFunction("codeAutomationExit", resolve);
    });
    const remote = (path: string) => `vscode-remote://127.0.0.1:${workbench.port}${path}`;
    const payload = [
      ["extensionDevelopmentPath", remote(join(import.meta.dirname, "../host-stub"))],
      ["extensionTestsPath", remote(join(repository, "vscode-client/dist-test/index.js"))],
      ["skipWelcome", "true"],
    ];
    await page.goto(workbench.url(workbench.folder("shop", PROJECT), { payload: JSON.stringify(payload) }));
    const code = await ended;
    const told = existsSync(report) ? readFileSync(report, "utf8") : "no test ran";
    console.log(told);
    expect(code, told).toBe(0);
    expect(told).toContain("ok    delivers keyword results first and the complete result after");
    await page.goto("about:blank");
  } finally {
    await workbench.stop();
  }
});

test("F5 runs the extension from its sources, with the environment that make builds", async ({ page }) => {
  const launch = readFileSync(join(repository, ".vscode/launch.json"), "utf8");
  const { configurations } = JSON.parse(launch) as { configurations: { args: string[] }[] };
  const [flag = "", workspace = ""] =
    configurations[0]?.args.map((one) => one.replace("${workspaceFolder}", repository)) ?? [];
  const workbench = await Workbench.start({ vsix: [], testDriver: true, log: join(out, "server-development.log") });
  try {
    const window = new Window(page, join(out, "screenshots"));
    const path = flag.replace("--extensionDevelopmentPath=", "");
    const payload = [["extensionDevelopmentPath", `vscode-remote://127.0.0.1:${workbench.port}${path}`]];
    await window.open(workbench.url(workspace, { payload: JSON.stringify(payload) }));
    await expect(window.indicator).toHaveAttribute("aria-label", /base model .*indexed/, { timeout: 120_000 });
    await window.close();
  } finally {
    await workbench.stop();
  }
});
