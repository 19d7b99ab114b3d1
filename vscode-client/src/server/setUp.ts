import * as vscode from "vscode";
import { ownSetting } from "./configuration";
import type { ManagedEnvironment } from "./environment";
import { packageIn } from "./packages";
import { Cancelled } from "./processes";
import { findInterpreter } from "./python";

const SIZE =
  process.platform === "linux"
    ? "about 2.2 GB on disk, up to 6 GB where pip chooses PyTorch with CUDA"
    : "about 2 GB on disk";

export type SetUpOutcome = "done" | "declined" | "cancelled";

/** Make the extension's Python environment, once the user agrees. Rejects with one sentence if it cannot be made. */
export async function setUpEnvironment(
  environment: ManagedEnvironment,
  log: vscode.LogOutputChannel,
  consent: "ask" | "given",
): Promise<SetUpOutcome> {
  if (consent === "ask" && !(await agreed())) {
    return "declined";
  }
  const interpreter = await findInterpreter();
  log.info(`Making a Python environment in ${environment.folder} with ${interpreter.path} (${interpreter.version})`);
  try {
    await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title: "CodeContext", cancellable: true },
      async (progress, token) => {
        const controller = new AbortController();
        token.onCancellationRequested(() => controller.abort());
        let step = "";
        await environment.make({
          interpreter,
          torchIndexUrl: ownSetting("python.torchIndexUrl").trim(),
          signal: controller.signal,
          onStep: (next) => {
            step = next;
            progress.report({ message: step });
            log.info(step);
          },
          onLine: (line) => {
            log.debug(line);
            const name = packageIn(line);
            if (name !== "") {
              progress.report({ message: `${step}: ${name}` });
            }
          },
        });
      },
    );
  } catch (error) {
    if (error instanceof Cancelled) {
      log.info("Making the Python environment was cancelled; what was half made is removed.");
      return "cancelled";
    }
    throw error;
  }
  return "done";
}

async function agreed(): Promise<boolean> {
  const answer = await vscode.window.showInformationMessage(
    "Set up CodeContext on this machine?",
    {
      modal: true,
      detail:
        `It makes a Python environment in the extension's own storage, which takes a few minutes and ${SIZE}. ` +
        "The packages come from where your pip or uv takes them. Nothing else on this machine is changed, " +
        "and “CodeContext: Remove Python Environment” takes it away again.",
    },
    "Set Up",
  );
  return answer === "Set Up";
}
