((function_definition name: (_) @name (block)? @body) @definition.function
  (#set! trim-end))
((class_definition name: (_) @name) @definition.class
  (#set! trim-end))

(comment) @comment
