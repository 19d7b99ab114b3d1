/** Runs a query: the answer may come in two parts, and is no longer wanted after `signal`. */
export type Search<Answer> = (
  query: string,
  onPartial: (answer: Answer) => void,
  signal: AbortSignal,
) => Promise<Answer>;

export interface LiveQueryEvents<Answer> {
  onAnswer: (answer: Answer) => void;
  onError: (error: unknown) => void;
  onBusy: (busy: boolean) => void;
}

/** Searches while the user types: not at every keystroke, one query at a time, and never shows a stale answer. */
export class LiveQuery<Answer> {
  private timer: NodeJS.Timeout | undefined;
  private current: AbortController | undefined;

  constructor(
    private readonly search: Search<Answer>,
    private readonly events: LiveQueryEvents<Answer>,
    private readonly delay: number,
  ) {}

  get isSearching(): boolean {
    return this.current !== undefined || this.timer !== undefined;
  }

  /** Search after a pause, unless more is typed before. */
  type(query: string): void {
    this.stop();
    this.events.onBusy(true);
    this.timer = setTimeout(() => void this.now(query), this.delay);
  }

  /** Search immediately. */
  async now(query: string): Promise<void> {
    this.stop();
    const controller = new AbortController();
    this.current = controller;
    const wanted = () => this.current === controller;
    this.events.onBusy(true);
    try {
      const partial = (answer: Answer) => {
        if (wanted()) {
          this.events.onAnswer(answer);
        }
      };
      const answer = await this.search(query, partial, controller.signal);
      if (wanted()) {
        this.events.onAnswer(answer);
      }
    } catch (error) {
      if (wanted()) {
        this.events.onError(error);
      }
    }
    if (wanted()) {
      this.current = undefined;
      this.events.onBusy(false);
    }
  }

  /** Cancel what is running or waiting. */
  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.current?.abort();
    this.current = undefined;
  }
}
