import * as vscode from "vscode";
import { CliError, type CliProgress, runCli } from "../server/cli";
import { variablesFor } from "../server/configuration";
import { type LanguageServer, NotRunning } from "../server/languageServer";
import { resolveLaunch } from "../server/launch";
import { Cancelled } from "../server/processes";
import type { Evaluation, TrainingReport } from "../protocol";
import { printable, printableLabel } from "../support/printable";
import { pickFolder, requireTrust } from "../support/workspace";
import { useAdapter } from "./commands";
import { describeEvaluation, describeProgress, describeTraining } from "./outcome";
import { showReport } from "./reportPage";

/** What was trained or evaluated, and what can be done with it. */
interface Outcome {
  message: string;
  name: string;
  path: string | null;
  report: string | null;
  isBetter: boolean;
}

/** Trains and evaluates adapters, each in a process of its own, one at a time for a folder. */
export class AdapterTraining implements vscode.Disposable {
  private readonly running = new Map<string, AbortController>();

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly server: LanguageServer,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  dispose(): void {
    this.running.forEach((controller) => controller.abort());
  }

  /** `Train Adapter for This Workspace…` */
  async train(): Promise<void> {
    const folder = await pickFolder("Train Adapter");
    if (!folder || !(await requireTrust("train an adapter"))) {
      return;
    }
    const side = await pickSide(folder);
    if (side === undefined) {
      return;
    }
    const report = await this.work<TrainingReport>(folder, {
      title: `Training an adapter for ${folder.name}`,
      args: ["train", folder.uri.fsPath, "--side", side],
      stopped: "Training stopped. Train again to resume.",
    });
    if (report) {
      const { name, path, helps_search: isBetter } = report;
      await offer(folder, { message: describeTraining(report), name, path, report: report.report, isBetter });
    }
  }

  /** `Evaluate Adapter…` */
  async evaluate(): Promise<void> {
    const folder = await pickFolder("Evaluate Adapter");
    if (!folder || !(await requireTrust("evaluate an adapter"))) {
      return;
    }
    const chosen = await this.pickTwo(folder);
    if (!chosen) {
      return;
    }
    const evaluation = await this.work<Evaluation>(folder, {
      title: `Evaluating ${chosen.name}`,
      args: ["evaluate", chosen.path, "--against", chosen.against, "--folder", folder.uri.fsPath],
      stopped: "Evaluation stopped.",
    });
    if (evaluation) {
      const { adapter, report, helps_search: isBetter } = evaluation;
      await offer(folder, { ...adapter, message: describeEvaluation(evaluation), report, isBetter });
    }
  }

  /** An adapter and what to compare it with; the user is asked only where there is a choice. */
  private async pickTwo(
    folder: vscode.WorkspaceFolder,
  ): Promise<{ name: string; path: string; against: string } | undefined> {
    const { adapters } = await this.server.adapters();
    const usable = adapters.filter((one) => one.folder === folder.uri.toString() && one.problem === "");
    if (usable.length === 0) {
      const choice = await vscode.window.showInformationMessage(
        `There is no adapter for ${folder.name} yet.`,
        "Train Adapter…",
      );
      if (choice) {
        await this.train();
      }
      return undefined;
    }
    const items = usable.map(({ name, path, active }) => ({
      label: `${active ? "$(check) " : ""}${printableLabel(name)}`,
      detail: printableLabel(path),
      name,
      path,
    }));
    const title = "Evaluate Adapter";
    const adapter = await vscode.window.showQuickPick(items, { title, placeHolder: "Choose an adapter to evaluate" });
    if (!adapter || items.length === 1) {
      return adapter && { ...adapter, against: "base" };
    }
    const base = { label: "Base model", detail: "No adapter is used.", path: "base" };
    const others = [base, ...items.filter((item) => item !== adapter)];
    const against = await vscode.window.showQuickPick(others, {
      title,
      placeHolder: `Choose what to compare ${printable(adapter.name)} with`,
    });
    return against && { ...adapter, against: against.path };
  }

  private async work<Result>(
    folder: vscode.WorkspaceFolder,
    { title, args, stopped }: { title: string; args: readonly string[]; stopped: string },
  ): Promise<Result | undefined> {
    const key = folder.uri.toString();
    if (this.running.has(key)) {
      throw new Error(`An adapter for ${folder.name} is already being trained or evaluated.`);
    }
    const controller = new AbortController();
    this.running.set(key, controller);
    try {
      const launch = await resolveLaunch(this.context);
      if (launch.kind !== "launch") {
        throw new NotRunning();
      }
      const place = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
      return await vscode.window.withProgress(place, (progress, token) => {
        token.onCancellationRequested(() => controller.abort());
        return runCli<Result>(["adapter", ...args], {
          python: launch.python,
          folder: folder.uri.fsPath,
          variables: variablesFor(folder),
          signal: controller.signal,
          onProgress: (event: CliProgress) => progress.report({ message: describeProgress(event) }),
          onLine: (line) => this.log.info(printable(line)),
        });
      });
    } catch (error) {
      if (error instanceof Cancelled) {
        this.log.info(stopped);
        void vscode.window.showInformationMessage(stopped);
        return undefined;
      }
      if (error instanceof CliError && error.code === "index-not-ready") {
        await offerUpdate(error.sentence);
        return undefined;
      }
      throw error;
    } finally {
      this.running.delete(key);
    }
  }
}

async function pickSide(folder: vscode.WorkspaceFolder): Promise<"query" | "both" | undefined> {
  const items = [
    {
      label: "Queries only",
      description: "recommended",
      detail: "Code embeddings stay as they are, so the adapter is active as soon as you use it. Takes minutes.",
      side: "query" as const,
    },
    {
      label: "Queries and code",
      description: "",
      detail: "May gain more. Training takes longer, and all code is embedded again when you use it.",
      side: "both" as const,
    },
  ];
  const placeHolder = "What should the adapter be trained on?";
  return (await vscode.window.showQuickPick(items, { title: `Train Adapter · ${folder.name}`, placeHolder }))?.side;
}

async function offerUpdate(message: string): Promise<void> {
  const update = "Update Index";
  const choice = await vscode.window.showWarningMessage(message, update);
  if (choice === update) {
    await vscode.commands.executeCommand("codecontext.updateIndex");
  }
}

/** Show the result and offer what can be done with it, until nothing is left to choose. */
async function offer(folder: vscode.WorkspaceFolder, outcome: Outcome): Promise<void> {
  const { message, name, path, report, isBetter } = outcome;
  const use = isBetter ? "Use It" : "Use It Anyway";
  const choices = [...(path === null ? [] : [use]), ...(report === null ? [] : ["Show Report"])];
  const choice = isBetter
    ? await vscode.window.showInformationMessage(message, ...choices)
    : await vscode.window.showWarningMessage(message, ...choices);
  if (choice === use && path !== null) {
    await useAdapter(folder, path);
  } else if (choice === "Show Report" && report !== null) {
    await showReport(report, `${name}: Report`);
    await offer(folder, { ...outcome, report: null });
  }
}
