import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "../fixtures.ts";
import { out } from "../places.ts";
import { PROJECT } from "../project.ts";

const QUERIES = [
  "take the lock",
  "what customers pay",
  "send it again",
  "unsubscribe a reader",
  "is the cookie genuine",
];
const ROUNDS = 3;

declare global {
  interface Window {
    answered: Promise<number>;
  }
}

/** From now on watch for the next input; `answered` becomes the milliseconds from it until results are on screen. */
function watchForAnswer(): void {
  window.answered = new Promise((resolve) => {
    document.addEventListener(
      "input",
      (event) => {
        const look = () => {
          const places = [...document.querySelectorAll(".quick-input-list .label-description")];
          if (places.some((place) => /:\d+$/.test(place.textContent))) {
            resolve(performance.now() - event.timeStamp);
          } else {
            requestAnimationFrame(look);
          }
        };
        requestAnimationFrame(look);
      },
      { once: true, capture: true },
    );
  });
}

function middle(values: number[]): number {
  return Math.round([...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0);
}

test("the time from a keystroke to results on screen is reported", async ({ window: editor, workbench }) => {
  await editor.open(workbench.url(workbench.folder("shop", PROJECT)));
  await editor.settles();
  await editor.search();
  const timings: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const query of QUERIES) {
      await editor.searchBox.fill("");
      await expect(editor.rows.filter({ hasText: "-path:" })).toBeVisible();
      await editor.page.evaluate(watchForAnswer);
      await editor.page.keyboard.insertText(query);
      timings.push(await editor.page.evaluate(() => window.answered));
    }
  }
  const report = { inputs: timings.length, medianMs: middle(timings), slowestMs: Math.round(Math.max(...timings)) };
  writeFileSync(join(out, "keystroke.json"), JSON.stringify({ ...report, timings }, null, 2));
  console.log(`from input to results on screen: median ${report.medianMs} ms, slowest ${report.slowestMs} ms`);
  expect(timings).toHaveLength(ROUNDS * QUERIES.length);
});
