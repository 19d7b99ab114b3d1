((class_definition name: (_) @name body: (_) @body) @definition.class
  (#set! trim-end))
((function_definition name: (_) @name body: (_) @body) @definition.function
  (#set! trim-end))
((constructor_definition "_init" @name body: (_) @body) @definition.function
  (#set! trim-end))
((enum_definition name: (_) @name body: (_) @body) @definition.class
  (#set! min-lines 2))

(comment) @comment
(annotations) @attached
