import type { FolderStatus, FoundAdapter, SearchHit, SearchResult, Status } from "../../src/protocol";

export function hit(changes: Partial<SearchHit> = {}): SearchHit {
  return {
    uri: "file:///shop/orders/prices.py",
    folder: "file:///shop",
    path: "orders/prices.py",
    range: { start: { line: 3, character: 0 }, end: { line: 5, character: 0 } },
    selectionRange: { start: { line: 3, character: 4 }, end: { line: 3, character: 14 } },
    score: 1,
    language: "python",
    kind: "function",
    symbol: "discounted",
    qualifiedName: "discounted",
    signature: "def discounted(total: float, percent: float) -> float",
    text: "def discounted(total: float, percent: float) -> float:\n    return total\n",
    freshness: "fresh",
    evidence: { lexicalRank: 3, lexicalScore: 2.5, semanticRank: 1, semanticScore: 0.618, rules: ["definition ×2"] },
    ...changes,
  };
}

export function result(hits: SearchHit[], changes: Partial<SearchResult> = {}): SearchResult {
  const state = { folder: "file:///shop", adapter: null, fingerprint: null, space: "s", coverage: 1, degraded: null };
  return { query: "rebate", hits, states: [state], message: "", complete: true, milliseconds: 4, ...changes };
}

export function folder(changes: Partial<FolderStatus> = {}): FolderStatus {
  return {
    uri: "file:///shop",
    name: "shop",
    folder: "/shop",
    indexed: true,
    watched: true,
    problems: [],
    health: "ok",
    stage: "ready",
    message: "",
    ready: true,
    keywordOnly: false,
    model: "all-MiniLM-L6-v2",
    backend: "openvino",
    adapter: null,
    currentAdapterPath: null,
    wantedAdapterPath: null,
    pendingAdapter: null,
    pendingCoverage: null,
    revision: 1,
    space: "s",
    files: 120,
    chunks: 1234,
    coverage: 1,
    phase: "idle",
    done: 0,
    total: 0,
    etaSeconds: null,
    queued: false,
    idleMinutes: 0,
    logLevel: "info",
    paused: false,
    skipped: 0,
    notices: [],
    ...changes,
  };
}

export const HOUSE_STYLE = {
  name: "house-style",
  path: "/shop/adapters/house-style",
  fingerprint: "0123456789abcdef0123456789abcdef",
  rank: 8,
  alpha: 16,
  side: "both",
  baseModel: "all-MiniLM-L6-v2",
  sizeBytes: 298_000,
  loadedAt: 1_790_000_000,
  loadMilliseconds: 94.1,
};

export function status(folders: FolderStatus[], changes: Partial<Status> = {}): Status {
  const engine = {
    state: "ready" as const,
    message: "",
    pid: 42,
    memoryBytes: 412_000_000,
    restarts: 0,
  };
  return { health: "ok", message: "", quiescent: true, version: "0.1.0", engine, folders, ...changes };
}

export function found(changes: Partial<FoundAdapter> = {}): FoundAdapter {
  return {
    folder: "file:///shop",
    path: "/shop/adapters/house-style",
    name: "house-style",
    active: false,
    problem: "",
    fingerprint: "0123",
    rank: 8,
    alpha: 16,
    side: "both",
    baseModel: "sentence-transformers/all-MiniLM-L6-v2",
    sizeBytes: 298_000,
    created: "",
    searchGain: null,
    ...changes,
  };
}
