((type_declaration (type_symbol_declaration name: [(identifier) @name (exported_symbol (identifier) @name)]) "=" @body)
  @definition.class
  (#set! trim-end) (#set! min-lines 2))
((_ name: [(identifier) @name (exported_symbol . (_) @name) (accent_quoted) @name] "=" @body body: (_)) @definition.function
  (#set! trim-end))

(comment) @comment
(documentation_comment) @comment
(block_comment) @comment
(block_documentation_comment) @comment
