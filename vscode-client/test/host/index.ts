/** What VS Code's extension host loads as the tests: it calls `run`. */
import Mocha from "mocha";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

export function run(): Promise<void> {
  const mocha = new Mocha({ grep: process.env["HOST_TEST_ONLY"] ?? "", ui: "bdd", timeout: 120_000, color: false });
  mocha.addFile(join(__dirname, "extension.test.js"));
  const lines: string[] = [];
  return new Promise((resolve, reject) => {
    const runner = mocha.run((failures) => {
      const report = process.env["HOST_TEST_REPORT"];
      if (report) {
        writeFileSync(report, `${lines.join("\n")}\n`);
      }
      if (failures > 0) {
        reject(new Error(`${failures} tests failed`));
      } else {
        resolve();
      }
    });
    runner.on("pass", (test) => lines.push(`ok    ${test.title}`));
    runner.on("fail", (test, error: Error) => lines.push(`FAIL  ${test.title}: ${error.stack ?? error.message}`));
  });
}
