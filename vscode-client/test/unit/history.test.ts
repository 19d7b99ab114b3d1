import { expect, it } from "vitest";
import { type Memory, SearchHistory } from "../../src/search/history";

function memory(): Memory {
  const kept = new Map<string, unknown>();
  return {
    get: <T>(key: string, fallback: T) => (kept.has(key) ? (kept.get(key) as T) : fallback),
    update: (key, value) => {
      kept.set(key, value);
      return Promise.resolve();
    },
  };
}

it("holds the newest first, each once", () => {
  const history = new SearchHistory(memory());
  ["locks", "prices", " locks "].forEach((query) => history.add(query));
  expect(history.queries).toEqual(["locks", "prices"]);
  expect(history.last).toBe("locks");
});

it("keeps a bounded number, and nothing empty", () => {
  const history = new SearchHistory(memory());
  for (let index = 0; index < 100; index++) {
    history.add(`query ${index}`);
  }
  history.add("   ");
  expect(history.queries).toHaveLength(30);
  expect(history.last).toBe("query 99");
});

it("forgets one or all", () => {
  const history = new SearchHistory(memory());
  ["a", "b"].forEach((query) => history.add(query));
  history.remove("b");
  expect(history.queries).toEqual(["a"]);
  history.clear();
  expect(history.last).toBe("");
});
