/** Splits what a child process writes into lines, whatever the pieces it arrives in. */
export class LineSplitter {
  private rest = "";

  constructor(private readonly take: (line: string) => void) {}

  push(text: string): void {
    const lines = (this.rest + text).split(/\r\n|\r|\n/);
    this.rest = lines.pop() ?? "";
    lines.filter((line) => line.trim() !== "").forEach(this.take);
  }

  end(): void {
    if (this.rest.trim() !== "") {
      this.take(this.rest);
    }
    this.rest = "";
  }
}

/** The last lines of output that may never end. */
export class Tail {
  private kept: string[] = [];

  constructor(private readonly size: number) {}

  push(line: string): void {
    this.kept.push(line);
    if (this.kept.length > this.size) {
      this.kept.shift();
    }
  }

  get text(): string {
    return this.kept.join("\n");
  }

  /** The line that most likely says what went wrong: Python's tracebacks end with it. */
  get last(): string {
    return this.kept.at(-1)?.trim() ?? "";
  }
}
