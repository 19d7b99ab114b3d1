// Written by `make codegen`; edit the settings in the code instead.

/** Settings of the server: name in VS Code below `codecontext`, and the server's own. */
export const SETTING_KEYS: Readonly<Record<string, string>> = {
  "embeddings.huggingface.modelName": "embeddings.huggingface.model_name",
  "embeddings.huggingface.loraAdapterPath": "embeddings.huggingface.lora_adapter_path",
  "embeddings.huggingface.device": "embeddings.huggingface.device",
  "embeddings.huggingface.backend": "embeddings.huggingface.backend",
  "embeddings.huggingface.threads": "embeddings.huggingface.threads",
  "embeddings.huggingface.maxTokens": "embeddings.huggingface.max_tokens",
  "embeddings.huggingface.dimension": "embeddings.huggingface.dimension",
  "embeddings.huggingface.allowDownload": "embeddings.huggingface.allow_download",
  "embeddings.huggingface.prompts": "embeddings.huggingface.prompts",
  "embeddings.huggingface.batchTokens": "embeddings.huggingface.batch_tokens",
  "adapters.folders": "adapters.folders",
  "indexing.include": "indexing.include",
  "indexing.exclude": "indexing.exclude",
  "indexing.maxFileBytes": "indexing.max_file_bytes",
  "indexing.respectGitignore": "indexing.respect_gitignore",
  "indexing.vectors": "indexing.vectors",
  "chunking.maxChunkLines": "chunking.max_chunk_lines",
  "chunking.maxChunkChars": "chunking.max_chunk_chars",
  "chunking.targetLines": "chunking.target_lines",
  "chunking.targetChars": "chunking.target_chars",
  "chunking.minChunkChars": "chunking.min_chunk_chars",
  "chunking.windowLines": "chunking.window_lines",
  "chunking.windowOverlap": "chunking.window_overlap",
  "chunking.maxDocChars": "chunking.max_doc_chars",
  "chunking.maxOutlineChars": "chunking.max_outline_chars",
  "chunking.maxParseChars": "chunking.max_parse_chars",
  "search.limit": "search.limit",
  "search.queryTimeEmbeddings": "search.query_time_embeddings",
  "search.keepLog": "search.keep_log",
  "storage.cacheMb": "storage.cache_mb",
  "engine.idleMinutes": "engine.idle_minutes",
  "engine.reconcileMinutes": "engine.reconcile_minutes",
  "engine.leaveCores": "engine.leave_cores",
  "logging.level": "logging.level",
};

/** Those among them that a workspace may never decide, as the server calls them. */
export const USER_SETTINGS: ReadonlySet<string> = new Set([
  "embeddings.huggingface.allow_download",
  "search.keep_log",
  "storage.cache_mb",
]);
