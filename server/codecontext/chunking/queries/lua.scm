(function_declaration name: (_) @name body: (_) @body) @definition.function
(function_declaration name: (_) @name) @definition.function
(assignment_statement
  (variable_list . name: (_) @name)
  (expression_list . value: (function_definition) @body)) @definition.function
(variable_declaration (assignment_statement) @inner) @extent
((field name: (_) @name value: (function_definition) @body) @definition.method
  (#set! min-lines 3))

(comment) @comment
