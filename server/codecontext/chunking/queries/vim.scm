((function_definition (function_declaration name: (_) @name) (body)? @body) @definition.function
  (#set! whole-name))

(comment) @comment
