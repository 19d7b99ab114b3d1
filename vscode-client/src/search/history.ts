/** Where the history lives: a `vscode.Memento` is one. */
export interface Memory {
  get<T>(key: string, fallback: T): T;
  update(key: string, value: unknown): Thenable<void>;
}

const KEY = "search.history";
const MAX_QUERIES = 30;

/** Queries of this workspace whose results were used, newest first. */
export class SearchHistory {
  constructor(private readonly memory: Memory) {}

  get queries(): readonly string[] {
    return this.memory.get<string[]>(KEY, []);
  }

  get last(): string {
    return this.queries[0] ?? "";
  }

  add(query: string): void {
    const trimmed = query.trim();
    if (trimmed !== "") {
      const others = this.queries.filter((other) => other !== trimmed);
      void this.memory.update(KEY, [trimmed, ...others].slice(0, MAX_QUERIES));
    }
  }

  remove(query: string): void {
    void this.memory.update(
      KEY,
      this.queries.filter((other) => other !== query),
    );
  }

  clear(): void {
    void this.memory.update(KEY, []);
  }
}
