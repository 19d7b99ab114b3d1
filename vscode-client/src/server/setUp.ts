import * as vscode from "vscode";
import { ownSetting } from "./configuration";
import { type ManagedEnvironment, packageIn } from "./environment";
import { type Launch, resolveLaunch } from "./launch";
import { Cancelled } from "./processes";
import { findInterpreter } from "./python";

const SIZE =
  process.platform === "linux"
    ? "about 2.2 GB of disk space (up to 6 GB if pip installs PyTorch with CUDA)"
    : "about 2 GB of disk space";
const OFFERED = "setUp.offered";

/** Finds what to run; the extension's own environment is made first, if the user agrees. */
export class SetUp {
  private consent: "ask" | "given" | "none" = "none";

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  /** The user wants the environment: the next start asks for consent instead of only offering it. */
  askOnNextStart(): void {
    this.consent = "ask";
  }

  /** What to run; undefined if the environment has to be made first and the user has not agreed to that. */
  async launch(): Promise<Launch | undefined> {
    const { consent } = this;
    this.consent = "none";
    let found = await resolveLaunch(this.context);
    if (found.kind === "needsSetUp") {
      // A new release of ours in an environment that the user agreed to needs no second question, and no network.
      const mode = found.quick ? "given" : consent;
      if (mode === "none") {
        void this.offer();
        return undefined;
      }
      if (mode === "ask" && !(await agreed())) {
        return undefined;
      }
      if (!(await this.make(found.environment))) {
        return undefined;
      }
      found = await resolveLaunch(this.context);
    }
    return found.kind === "launch" ? found : undefined;
  }

  /** One quiet message, once a machine; the status bar and the walkthrough keep offering the same. */
  private async offer(): Promise<void> {
    const { globalState } = this.context;
    if (globalState.get(OFFERED) === true) {
      return;
    }
    await globalState.update(OFFERED, true);
    const choice = await vscode.window.showInformationMessage(
      "CodeContext needs its own Python environment for semantic search. Setup runs once and takes a few minutes.",
      "Set Up…",
      "Choose Interpreter…",
    );
    if (choice === "Set Up…") {
      await vscode.commands.executeCommand("codecontext.setUp");
    } else if (choice === "Choose Interpreter…") {
      await vscode.commands.executeCommand("workbench.action.openSettings", "codecontext.python.interpreter");
    }
  }

  /** Make the environment with progress to see; false if the user cancels. Rejects with one sentence if it cannot be made. */
  private async make(environment: ManagedEnvironment): Promise<boolean> {
    const { log } = this;
    const interpreter = await findInterpreter();
    log.info(
      `Creating a Python environment in ${environment.folder} with ${interpreter.path} (${interpreter.version})`,
    );
    const place = { location: vscode.ProgressLocation.Notification, title: "CodeContext", cancellable: true };
    try {
      await vscode.window.withProgress(place, async (progress, token) => {
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
      });
      return true;
    } catch (error) {
      if (error instanceof Cancelled) {
        log.info("Setup was cancelled; the incomplete environment was removed.");
        return false;
      }
      throw error;
    }
  }
}

/** Offer the set-up again on the next start. */
export async function forgetOffer({ globalState }: vscode.ExtensionContext): Promise<void> {
  await globalState.update(OFFERED, undefined);
}

async function agreed(): Promise<boolean> {
  const answer = await vscode.window.showInformationMessage(
    "Set up CodeContext on this machine?",
    {
      modal: true,
      detail:
        `This creates a Python environment in the extension's own storage. It takes a few minutes and ${SIZE}. ` +
        "Packages come from the index that your pip or uv uses. Nothing else on this machine is changed, " +
        "and “CodeContext: Remove Python Environment” removes it again.",
    },
    "Set Up",
  );
  return answer === "Set Up";
}
