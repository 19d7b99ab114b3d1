// Written by `make codegen`; edit server/codecontext/lsp/protocol.py instead.

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

/** What a chunk is in its language. */
export type ChunkKind = "function" | "method" | "class" | "module" | "section" | "block";

/** Life of the engine's process. */
export type EngineState = "starting" | "ready" | "busy" | "degraded" | "restarting" | "failed" | "idle";

/** How a folder is: a warning still answers with less than was asked for, an error needs the user. */
export type Health = "ok" | "warning" | "error";

/** Optional, for editors that have no settings to ask for or want them known at once. */
export interface InitializationOptions {
  /** Settings, nested, as under `codecontext` in the editor's settings. */
  settings?: Record<string, unknown>;
  /** Whether project files may choose models, adapters and storage (workspace trust). Anything but true or false counts as false. */
  trusted?: boolean;
  /** Whether workspace/symbol answers by meaning. Unset: yes, but not in editors known to filter the answers by name. */
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

/** A question in words or the name of a symbol. */
export interface SearchParams {
  /** May hold filters: `lock lang:python path:src/** -path:tests`. */
  query: string;
  /** URIs of the workspace folders to search; empty for all. */
  folders?: string[];
  /** How many hits at most; unset for the setting `search.limit`. */
  limit?: number | null;
  /** Only these languages. */
  languages?: string[];
  /** Only paths that match one of these globs; `!` leaves out. */
  paths?: string[];
  /** Only these kinds of chunk. */
  kinds?: ChunkKind[];
  /** With it, what words alone find is sent first by `$/progress` as a SearchResult. */
  partialResultToken?: number | string | null;
}

/** Code to find the like of. */
export interface FindSimilarParams {
  /** The document. */
  uri: string;
  /** The code in it; empty for the definition at that place. */
  range: Range;
  /** How many hits at most; unset for the setting `search.limit`. */
  limit?: number | null;
}

/** A hit that the user went to. */
export interface OpenedParams {
  /** What was asked. */
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

/** What to index again. */
export interface ReindexParams {
  /** URI of the workspace folder; unset for all. */
  folder?: string | null;
  /** Build the index anew instead of looking for changes. */
  force?: boolean;
}

/** Nothing. */
export type NoParams = Record<string, never>;

/** Why a hit is where it is. Ranks count from 1; null where that retrieval did not find it. */
export interface Evidence {
  /** Rank by words. */
  lexicalRank: number | null;
  /** BM25, summed over the fields. */
  lexicalScore: number | null;
  /** Rank by meaning. */
  semanticRank: number | null;
  /** Cosine of query and chunk. */
  semanticScore: number | null;
  /** Ranking rules that applied, with their factor. */
  rules: string[];
}

/** One place in the code, as the file or the unsaved document is now. */
export interface SearchHit {
  /** The document. */
  uri: string;
  /** URI of its workspace folder. */
  folder: string;
  /** Path relative to that folder, with '/'. */
  path: string;
  /** The whole chunk. */
  range: Range;
  /** The symbol's name where it has one, else the first line. */
  selectionRange: Range;
  /** Comparable within one answer only. */
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
  freshness: string;
  /** Why the hit is where it is. */
  evidence: Evidence;
}

/** What the answer of one folder rests on. */
export interface AnswerState {
  /** URI of the workspace folder. */
  folder: string;
  /** Folder of the adapter that answered; null for the base model. */
  adapter: string | null;
  /** Digest of that adapter's content. */
  fingerprint: string | null;
  /** Id of the embedding space that answered; empty for words alone. */
  space: string;
  /** Share of the chunks that have a vector, 0 to 1. */
  coverage: number;
  /** What is missing from a full answer, and why; null if nothing. */
  degraded: string | null;
}

/** Hits, best first. */
export interface SearchResult {
  /** The query as it was asked. */
  query: string;
  /** The answer, best first. */
  hits: SearchHit[];
  /** What it rests on, by folder. */
  states: AnswerState[];
  /** Why there are no hits, where there are none. */
  message: string;
  /** False for the first, partial answer, which compares words alone. */
  complete: boolean;
  /** Time the engine took. */
  milliseconds: number;
}

/** The process that holds model and index. */
export interface EngineStatus {
  /** idle: not running because nobody asked for a while; the next question starts it. */
  state: EngineState;
  /** What happened last, where the state is not plainly good. */
  message: string;
  /** Process id; null while it does not run. */
  pid: number | null;
  /** Memory that it holds (resident set size). */
  memoryBytes: number | null;
  /** How often it had to be started again. */
  restarts: number;
}

/** The adapter that answers now. */
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

/** One workspace folder. */
export interface FolderStatus {
  /** The folder. */
  uri: string;
  /** Its name in the editor. */
  name: string;
  /** How it is. */
  health: Health;
  /** What is wrong and what would be right, or why nothing is found; empty when all is well. */
  message: string;
  /** Whether meaning counts in answers; words count as soon as they are read. */
  ready: boolean;
  /** The base model. */
  model: string;
  /** What runs the model. */
  backend: string;
  /** The adapter that answers; null for the base model. */
  adapter: ActiveAdapter | null;
  /** Folder of the adapter that answers. */
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
  /** Share of the chunks that have a vector in the active space, 0 to 1. */
  coverage: number;
  /** Another one whenever something was written that changes answers. */
  revision: number;
  /** idle, scanning, reading, loading model, embedding or waiting. */
  phase: string;
  /** Units of the phase that are done. */
  done: number;
  /** Units of the phase; 0 while unknown. */
  total: number;
  /** Seconds until the phase ends. Never runs backwards. */
  etaSeconds: number | null;
  /** Whether background work is paused. */
  paused: boolean;
  /** Files that are not indexed; codecontext/skipped lists them. */
  skipped: number;
  /** What was repaired or ignored. */
  notices: string[];
}

/** All there is to show. Answer of codecontext/status and content of codecontext/statusChanged. */
export interface Status {
  /** The worst of the engine and the folders. */
  health: Health;
  /** The sentence that matters most; empty when all is well. */
  message: string;
  /** Whether no work is going on or waiting. */
  quiescent: boolean;
  /** Version of CodeContext. */
  version: string;
  /** The engine's process. */
  engine: EngineStatus;
  /** The workspace folders. */
  folders: FolderStatus[];
}

/** An adapter that could be used, or why it could not. */
export interface FoundAdapter {
  /** URI of the workspace folder it was found for. */
  folder: string;
  /** Its folder. */
  path: string;
  /** Its name. */
  name: string;
  /** Whether it answers now. */
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
  /** Gain of MRR@10 through the whole search on held-out questions, as training measured it. */
  searchGain: number | null;
}

/** Adapters in the CodeContext home, the project's `.codecontext/adapters` and where the settings point. */
export interface AdaptersResult {
  /** Sound and unsound ones. */
  adapters: FoundAdapter[];
}

/** A file, or with a trailing '/' a whole folder, that is not indexed. */
export interface SkippedFile {
  /** URI of the workspace folder. */
  folder: string;
  /** Relative to that folder. */
  path: string;
  /** Why, as one word. */
  reason: string;
  /** More about it. */
  detail: string;
}

/** All files that are not indexed. */
export interface SkippedResult {
  /** By folder and path. */
  files: SkippedFile[];
}

/** The request was accepted; its effects show in the status. */
export interface Done {
  /** What happens now. */
  message: string;
}
