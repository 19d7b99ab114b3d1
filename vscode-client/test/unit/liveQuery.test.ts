import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LiveQuery } from "../../src/search/liveQuery";

interface Asked {
  query: string;
  partial: (answer: string) => void;
  signal: AbortSignal;
  answer: (answer: string) => void;
  fail: (error: Error) => void;
}

function start() {
  const asked: Asked[] = [];
  const shown: string[] = [];
  const errors: unknown[] = [];
  let busy = false;
  const live = new LiveQuery<string>(
    (query, partial, signal) =>
      new Promise((answer, fail) => {
        asked.push({ query, partial, signal, answer, fail });
      }),
    {
      onAnswer: (answer) => shown.push(answer),
      onError: (error) => errors.push(error),
      onBusy: (now) => (busy = now),
    },
    60,
  );
  return { asked, shown, errors, live, isBusy: () => busy };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("searching while the user types", () => {
  it("searches once for letters typed quickly", () => {
    const { asked, live } = start();
    ["l", "lo", "loc", "lock"].forEach((query) => {
      live.type(query);
      vi.advanceTimersByTime(30);
    });
    vi.advanceTimersByTime(60);
    expect(asked.map(({ query }) => query)).toEqual(["lock"]);
  });

  it("cancels a stale query and drops its answers, partial and late ones", async () => {
    const { asked, shown, live } = start();
    const first = live.now("lock");
    const second = live.now("locks");
    expect(asked[0]?.signal.aborted).toBe(true);
    asked[0]?.partial("old, keyword");
    asked[0]?.answer("old");
    asked[1]?.partial("new, keyword");
    asked[1]?.answer("new");
    await Promise.all([first, second]);
    expect(shown).toEqual(["new, keyword", "new"]);
  });

  it("drops a partial answer that comes after the whole one", async () => {
    const { asked, shown, live } = start();
    const asking = live.now("lock");
    asked[0]?.answer("whole");
    await asking;
    asked[0]?.partial("keyword");
    expect(shown).toEqual(["whole"]);
  });

  it("is busy until the answer is there, and reports a failure", async () => {
    const { asked, errors, live, isBusy } = start();
    const asking = live.now("lock");
    expect(isBusy()).toBe(true);
    asked[0]?.fail(new Error("no"));
    await asking;
    expect(errors).toEqual([new Error("no")]);
    expect(isBusy()).toBe(false);
    expect(live.isSearching).toBe(false);
  });

  it("says nothing after it was stopped, not even that it was cancelled", async () => {
    const { asked, shown, errors, live } = start();
    const asking = live.now("lock");
    live.stop();
    asked[0]?.fail(new Error("cancelled"));
    await asking;
    live.type("never");
    live.stop();
    vi.advanceTimersByTime(1000);
    expect([asked.length, shown, errors]).toEqual([1, [], []]);
  });
});
