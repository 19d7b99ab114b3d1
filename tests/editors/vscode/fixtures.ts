/** What a story gets: a running VS Code with the packaged extension in it, and a window on a folder of its own. */
import { test as base } from "@playwright/test";
import { cpSync, createWriteStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import { adaptersFolder, out, python, vsix } from "./places.ts";
import { Window } from "./window.ts";
import { Workbench } from "./workbench.ts";

export interface StoryFixtures {
  window: Window;
}

export interface WorkerFixtures {
  workbench: Workbench;
}

export const test = base.extend<StoryFixtures, WorkerFixtures>({
  workbench: [
    async ({}, use, info) => {
      const workbench = await Workbench.start({
        vsix: [vsix],
        machine: { "codecontext.python.interpreter": python },
        log: join(out, `server-${info.workerIndex}.log`),
      });
      await use(workbench);
      await workbench.stop();
    },
    { scope: "worker", timeout: 120_000 },
  ],
  window: async ({ page }, use, info) => {
    mkdirSync(join(out, "screenshots"), { recursive: true });
    const console = createWriteStream(join(out, `console-${info.testId}.log`));
    page.on("console", (message) => console.write(`${message.text()}\n`));
    const window = new Window(page, join(out, "screenshots"));
    await use(window);
    await window.close();
    console.end();
  },
});
export { expect } from "@playwright/test";

/** A copy of a real adapter at `target`; what was there is replaced in place. */
export function putAdapter(name: string, target: string): void {
  mkdirSync(target, { recursive: true });
  cpSync(join(adaptersFolder, name), target, { recursive: true });
}
