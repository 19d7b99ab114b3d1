// Written by `make codegen`; edit the Python models instead, those of messages in server/codecontext/lsp/protocol.py.

export const Method = {
  search: "codecontext/search",
  findSimilar: "codecontext/findSimilar",
  status: "codecontext/status",
  adapters: "codecontext/adapters",
  reloadAdapter: "codecontext/reloadAdapter",
  reindex: "codecontext/reindex",
  pause: "codecontext/pause",
  resume: "codecontext/resume",
  skipped: "codecontext/skipped",
  opened: "codecontext/opened",
  statusChanged: "codecontext/statusChanged",
} as const;

export const COMMAND_PREFIX = "codecontext.server.";

export const LANGUAGES: readonly string[] = ["ada", "apex", "asciidoc", "assembly", "astro", "bash", "batch", "bicep", "c", "clojure", "cmake", "cobol", "coffeescript", "cpp", "crystal", "csharp", "css", "csv", "d", "dart", "diff", "django-html", "dockerfile", "elixir", "elm", "emacs-lisp", "erb", "erlang", "fish", "fortran", "fsharp", "gdscript", "gettext", "gitignore", "gleam", "glsl", "go", "go-module", "graphql", "groovy", "handlebars", "haskell", "haxe", "hlsl", "html", "ini", "java", "javascript", "json", "jsonnet", "julia", "jupyter", "just", "kdl", "kotlin", "latex", "less", "liquid", "lisp", "lua", "luau", "make", "markdown", "matlab", "meson", "nginx", "nim", "nix", "objective-c", "ocaml", "odin", "org", "pascal", "perl", "php", "plantuml", "powershell", "prisma", "prolog", "protobuf", "pug", "puppet", "purescript", "python", "qml", "r", "racket", "raku", "reason", "rego", "restructuredtext", "ruby", "rust", "sass", "scala", "scheme", "scss", "solidity", "sql", "starlark", "stylus", "svelte", "swift", "systemd", "tcl", "terraform", "text", "thrift", "toml", "twig", "typescript", "v", "verilog", "vhdl", "vim", "visual-basic", "vue", "wgsl", "xml", "yaml", "zig"];

export const KINDS: readonly string[] = ["function", "method", "class", "module", "section", "block"];

/** Optional, for editors that have no settings to ask for or want them known at once. */
export interface InitializationOptions {
  /** Settings, nested, as under `codecontext` in the editor's settings. */
  settings?: Record<string, unknown>;
  /** Whether project files may choose models, adapters and storage (workspace trust). Anything but true or false counts as false. */
  trusted?: boolean;
  /** Whether workspace/symbol finds by meaning. Unset: yes, but not in editors known to filter the results by name. */
  workspaceSymbols?: boolean | null;
}

/** A place between two characters. */
export interface Position {
  /** Line. */
  line: number;
  /** Character in the line, in the agreed position encoding. */
  character: number;
}

/** A span of text; the end is exclusive. */
export interface Range {
  /** Where it begins. */
  start: Position;
  /** Where it ends. */
  end: Position;
}

/** What a chunk is in its language. */
export type ChunkKind = "function" | "method" | "class" | "module" | "section" | "block";

/** A question in words or the name of a symbol. */
export interface SearchParams {
  /** May hold filters: `lock lang:python path:src/** -path:tests`. */
  query: string;
  /** URIs of the workspace folders to search; empty for all. */
  folders?: string[];
  /** Maximum number of hits; unset for the setting `search.limit`. */
  limit?: number | null;
  /** Only these languages. */
  languages?: string[];
  /** Only paths that match one of these globs; `!` excludes. */
  paths?: string[];
  /** Only these kinds of chunk. */
  kinds?: ChunkKind[];
  /** With it, keyword results are sent first, by `$/progress` as a SearchResult. */
  partialResultToken?: number | string | null;
}

/** Code to find similar code for. */
export interface FindSimilarParams {
  /** The document. */
  uri: string;
  /** The code in it; empty for the definition at that place. */
  range: Range;
  /** Maximum number of hits; unset for the setting `search.limit`. */
  limit?: number | null;
}

/** A hit that the user went to. */
export interface OpenedParams {
  /** The query. */
  query: string;
  /** The document of the hit. */
  uri: string;
  /** The range of the hit. */
  range: Range;
}

/** One workspace folder. */
export interface FolderParams {
  /** URI of the workspace folder; unset for all. */
  folder?: string | null;
}

/** What to rescan. */
export interface ReindexParams {
  /** URI of the workspace folder; unset for all. */
  folder?: string | null;
  /** Rebuild the index instead of looking for changes. */
  force?: boolean;
}

/** Nothing. */
export type NoParams = Record<string, never>;

/** How a hit compares with the file as it is now. */
export type Freshness = "fresh" | "moved" | "changed";

/** Why a hit is where it is. Ranks count from 1; null where that retrieval did not find it. */
export interface Evidence {
  /** Rank in keyword search. */
  lexicalRank: number | null;
  /** BM25, summed over the fields. */
  lexicalScore: number | null;
  /** Rank in semantic search. */
  semanticRank: number | null;
  /** Cosine of query and chunk. */
  semanticScore: number | null;
  /** Ranking rules that applied, with their factor. */
  rules: string[];
}

/** One place in the code, as the file or the unsaved document is now. */
export interface SearchHit {
  /** The searched folder; in LSP its URI. */
  folder: string;
  /** Path relative to that folder, with '/'. */
  path: string;
  /** Comparable within one response only. */
  score: number;
  /** Language of the file. */
  language: string;
  /** function, method, class, module, section or block. */
  kind: string;
  /** Name of the definition or section; may be empty. */
  symbol: string;
  /** The name with those around it; may be empty. */
  qualifiedName: string;
  /** Declaration up to the body; may be empty. */
  signature: string;
  /** The lines themselves. */
  text: string;
  /** Whether the text is as it was indexed: fresh, moved or changed. */
  freshness: Freshness;
  /** Why the hit is where it is. */
  evidence: Evidence;
  /** The document. */
  uri: string;
  /** The whole chunk. */
  range: Range;
  /** The symbol's name where it has one, else the first line. */
  selectionRange: Range;
}

/** What the results of one folder rest on. */
export interface SearchState {
  /** The searched folder; in LSP its URI. */
  folder: string;
  /** Id of the embedding space in use; empty for keyword search only. */
  space: string;
  /** Folder of the LoRA adapter in use; null for the base model. */
  adapter: string | null;
  /** Digest of the adapter's content. */
  fingerprint: string | null;
  /** Share of chunks that are embedded, 0 to 1. */
  coverage: number;
  /** What is missing from full results, and why; null if nothing. */
  degraded: string | null;
}

/** Hits, best first. */
export interface SearchResult {
  /** The query as it was given. */
  query: string;
  /** What the results rest on, by folder. */
  states: SearchState[];
  /** Why there are no hits, where there are none. */
  message: string;
  /** Time from query to results, without loading the model. */
  milliseconds: number;
  /** The results, best first. */
  hits: SearchHit[];
  /** False for the first, partial result, from keyword search only. */
  complete: boolean;
}

/** Life of the service process. */
export type EngineState = "starting" | "ready" | "busy" | "degraded" | "restarting" | "failed" | "idle";

/** The engine: the process that holds models and indexes. */
export interface EngineStatus {
  /** idle: stopped after being idle; the next search starts it. */
  state: EngineState;
  /** What happened last, where that is not plainly good. */
  message: string;
  /** Process id; null while it does not run. */
  pid: number | null;
  /** Memory that it holds (resident set size). */
  memoryBytes: number | null;
  /** How often it had to be restarted. */
  restarts: number;
}

/** What a problem is about, the most important first. */
export type ProblemKind = "away" | "unavailable" | "index" | "model" | "settings" | "adapter" | "watching" | "loading" | "coverage";

/** Why a folder is less than it was asked to be. */
export interface Problem {
  /** What it is about. */
  kind: ProblemKind;
  /** What is wrong, and where. */
  message: string;
  /** What to do about it; may be empty. */
  hint: string;
}

/** The adapter that is in use. */
export interface ActiveAdapter {
  /** Its name. */
  name: string;
  /** Its folder. */
  path: string;
  /** Digest of its content. */
  fingerprint: string;
  /** LoRA rank. */
  rank: number;
  /** LoRA alpha. */
  alpha: number;
  /** Which texts pass through it: both or query. */
  side: string;
  /** The base model as the adapter names it. */
  baseModel: string;
  /** Size of its files. */
  sizeBytes: number;
  /** When it was loaded, in seconds since 1970. */
  loadedAt: number;
  /** How long loading took. */
  loadMilliseconds: number;
}

/** What the engine is doing for a folder right now. */
export type Phase = "idle" | "scanning" | "reading" | "loading model" | "embedding" | "waiting";

/** How a folder is: with a warning, results are less than was asked for; an error needs the user. Unknown: nothing is wrong as far as is known, but nobody watches the folder. */
export type Health = "ok" | "unknown" | "warning" | "error";

/** Where a folder is on its way to being fully searchable. */
export type Stage = "away" | "failed" | "not served" | "waiting" | "indexing" | "paused" | "unindexed" | "empty" | "degraded" | "partly embedded" | "ready";

/** One workspace folder. */
export interface FolderStatus {
  /** Path of the folder. */
  folder: string;
  /** Whether it has an index, if one without any code. */
  indexed: boolean;
  /** Whether the engine keeps it up to date and sees its changes. */
  watched: boolean;
  /** All that is wrong; `message` tells the worst. */
  problems: Problem[];
  /** Whether the model is loaded, for semantic search; keyword search needs no model. */
  ready: boolean;
  /** Whether the setting `indexing.vectors` is off: nothing is embedded, and no model is loaded. */
  keywordOnly: boolean;
  /** The base model. */
  model: string;
  /** What runs the model. */
  backend: string;
  /** The adapter in use; null for the base model, or while none is loaded. */
  adapter: ActiveAdapter | null;
  /** Folder of the adapter in use. */
  currentAdapterPath: string | null;
  /** Folder of the adapter that the settings name. */
  wantedAdapterPath: string | null;
  /** Folder of the adapter being prepared; empty for the base model, null for none. */
  pendingAdapter: string | null;
  /** Coverage in the space being prepared, 0 to 1. */
  pendingCoverage: number | null;
  /** Id of the active embedding space. */
  space: string;
  /** Files in the index. */
  files: number;
  /** Chunks in the index. */
  chunks: number;
  /** Share of the chunks that are embedded in the active space, 0 to 1; 1 if none is to be. */
  coverage: number;
  /** Changes whenever something is written that changes results. */
  revision: number;
  /** What the engine is doing for the folder now. */
  phase: Phase;
  /** Units of the phase that are done. */
  done: number;
  /** Units of the phase; 0 while unknown. */
  total: number;
  /** Seconds until the phase ends. Never runs backwards. */
  etaSeconds: number | null;
  /** Whether work for the folder is waiting or running. */
  queued: boolean;
  /** Whether background work is paused. */
  paused: boolean;
  /** Files that are not indexed. */
  skipped: number;
  /** What was repaired or ignored. */
  notices: string[];
  /** Idle minutes after which the engine shuts down; 0 for never. */
  idleMinutes: number;
  /** The minimum log level in force. */
  logLevel: string;
  /** The folder. */
  uri: string;
  /** Its name in the editor. */
  name: string;
  /** How it is: unknown where nobody watches it. */
  health: Health;
  /** Where it is on its way to being fully searchable. */
  stage: Stage;
  /** What is wrong and what to do about it, or why nothing is found; empty when all is well. */
  message: string;
}

/** All there is to show: result of codecontext/status and content of codecontext/statusChanged. */
export interface Status {
  /** The worst of the engine and the folders. */
  health: Health;
  /** The sentence that matters most; empty when all is well. */
  message: string;
  /** Whether no work is running or waiting. */
  quiescent: boolean;
  /** Version of CodeContext. */
  version: string;
  /** The engine process. */
  engine: EngineStatus;
  /** The workspace folders. */
  folders: FolderStatus[];
}

/** An adapter that could be used, or why it could not. */
export interface FoundAdapter {
  /** The folder it was found for; in LSP its URI. */
  folder: string;
  /** Its folder. */
  path: string;
  /** Its name. */
  name: string;
  /** Whether it is in use now. */
  active: boolean;
  /** Why it cannot be used; empty for a sound one. */
  problem: string;
  /** Digest of its content. */
  fingerprint: string;
  /** LoRA rank. */
  rank: number;
  /** LoRA alpha. */
  alpha: number;
  /** Which texts pass through it: both or query. */
  side: string;
  /** The base model as the adapter names it. */
  baseModel: string;
  /** Size of its files. */
  sizeBytes: number;
  /** When it was trained, as ISO 8601; empty when unknown. */
  created: string;
  /** Gain of MRR@10 in the whole search on held-out queries, as training measured it. */
  searchGain: number | null;
}

/** Adapters in the CodeContext home, the project's `.codecontext/adapters` and where the settings point. */
export interface AdaptersResult {
  /** Sound and unsound ones. */
  adapters: FoundAdapter[];
}

/** A file, or with a trailing '/' a whole folder, that is not indexed. */
export interface SkippedInFolder {
  /** Relative to the folder. */
  path: string;
  /** Why, as one word. */
  reason: string;
  /** Details, where there are any. */
  detail: string;
  /** URI of the workspace folder. */
  folder: string;
}

/** All files that are not indexed. */
export interface SkippedResult {
  /** By folder and path. */
  files: SkippedInFolder[];
}

/** The request was accepted; its effects show in the status. */
export interface Done {
  /** What happens now. */
  message: string;
}

/** How many pairs one source gave. */
export interface SourceCount {
  /** Where the pairs come from. */
  source: string;
  /** Pairs that are kept. */
  pairs: number;
  /** Pairs that are left out, by reason. */
  left_out: Record<string, number>;
}

/** How many pairs there were. */
export interface DataCounts {
  /** Pairs that were trained on. */
  train: number;
  /** Pairs used to choose the best weights. */
  validation: number;
  /** Pairs that the metrics were measured on. */
  test: number;
  /** Pairs left out because a held-out pair has the same query. */
  leaked: number;
  /** Pairs that were trained on, by source. */
  sources: Record<string, number>;
  /** Chunks of the repository. */
  chunks: number;
}

/** How training went. */
export interface Course {
  /** Training steps done. */
  steps: number;
  /** Mean loss before each validation. */
  losses: number[];
  /** MRR@10 by vectors on the validation pairs, at each validation. */
  scores: number[];
  /** The same for the base model. */
  base_score: number;
  /** The validation with the chosen weights, from 0. */
  best_validation: number;
  /** Whether training ended before its last epoch. */
  stopped_early: boolean;
  /** Factor by which the trained adapter is scaled; included in its alpha. */
  strength: number;
  /** How long mining, training and measuring took. */
  seconds: number;
}

/** A mean and its 95 % confidence interval. */
export interface Interval {
  /** Mean over the queries. */
  mean: number;
  /** Lower end of the 95 % interval. */
  low: number;
  /** Upper end of the 95 % interval. */
  high: number;
}

/** One metric of two systems over the same queries. */
export interface Comparison {
  /** The baseline. */
  before: Interval;
  /** The adapter. */
  after: Interval;
  /** The difference, paired by query. */
  gain: Interval;
}

/** The queries of one source. */
export interface SourceComparison {
  /** Where the queries come from. */
  source: string;
  /** How many there are. */
  queries: number;
  /** MRR@10 by vectors alone. */
  dense: Comparison;
  /** MRR@10 through the whole search. */
  search: Comparison;
}

/** How one query fared. Ranks count from 1; null: not among the results that were examined. */
export interface QueryChange {
  /** The query. */
  query: string;
  /** The code that answers it, as `path:line name`. */
  wanted: string;
  /** Where the query comes from. */
  source: string;
  /** Rank by vectors alone, before. */
  dense_before: number | null;
  /** Rank by vectors alone, with the adapter. */
  dense_after: number | null;
  /** Rank in the whole search, before. */
  search_before: number | null;
  /** Rank in the whole search, with the adapter. */
  search_after: number | null;
}

/** The comparison over one set of queries. */
export interface QuerySet {
  /** How many queries were run. */
  queries: number;
  /** Queries that were skipped because the adapter was trained on them. */
  left_out: number;
  /** Queries whose code is not in the index. */
  not_found: number;
  /** By vectors alone, by metric. */
  dense: Record<string, Comparison>;
  /** Through the whole search, by metric. */
  search: Record<string, Comparison>;
  /** MRR@10 by source. */
  sources: SourceComparison[];
  /** Every query, those that gained most first. */
  changes: QueryChange[];
}

/** What a training run made. */
export interface TrainingReport {
  /** The adapter's folder. */
  path: string;
  /** The adapter's name. */
  name: string;
  /** Which texts it is for: `query` or `both`. */
  side: string;
  /** Digest of its content. */
  fingerprint: string;
  /** The folder that it was trained on. */
  folder: string;
  /** Pairs by source, and what was left out. */
  sources: SourceCount[];
  /** How many pairs there were. */
  data: DataCounts;
  /** How training went. */
  course: Course;
  /** Base model and adapter compared on the test pairs. */
  test: QuerySet;
  /** Whether the whole search improves, and the interval excludes a loss. */
  helps_search: boolean;
  /** Path of its HTML report. */
  report: string;
  /** The step at which a stopped run was resumed; 0 for a new run. */
  resumed_at: number;
}

/** One of the two systems compared. */
export interface SystemName {
  /** Name of the adapter, or `base`. */
  name: string;
  /** Folder of the adapter; null for the base model. */
  path: string | null;
  /** Digest of the adapter's content. */
  fingerprint: string | null;
  /** Which texts the adapter is for. */
  side: string | null;
}

/** An adapter against the base model or another adapter. */
export interface Evaluation {
  /** The folder. */
  folder: string;
  /** The adapter. */
  adapter: SystemName;
  /** The baseline: the base model or another adapter. */
  against: SystemName;
  /** The base model of both. */
  base_model: string;
  /** How many chunks were searched. */
  chunks: number;
  /** Held-out pairs of the repository. */
  pairs: QuerySet | null;
  /** The user's own labelled queries. */
  own: QuerySet | null;
  /** Whether search improves significantly, by your own queries where there are any: the interval of the gain excludes a loss. */
  helps_search: boolean;
  /** Path of the HTML report. */
  report: string | null;
  /** How long it took. */
  seconds: number;
}
