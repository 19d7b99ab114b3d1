(function_declaration name: (_) @name body: (_) @body) @definition.function
(generator_function_declaration name: (_) @name body: (_) @body) @definition.function
(class_declaration name: (_) @name body: (_) @body) @definition.class
(method_definition name: (_) @name body: (_) @body) @definition.method

(export_statement declaration: (_) @inner) @extent
(export_statement "default" @name value: [
  (function_expression body: (_) @body)
  (arrow_function body: (_) @body)
]) @definition.function
(export_statement "default" @name value: (class body: (_) @body)) @definition.class

; const f = () => ...
(lexical_declaration (variable_declarator name: (identifier) @name value: [
  (function_expression body: (_) @body)
  (generator_function body: (_) @body)
  (arrow_function body: (_) @body)
])) @definition.function
(variable_declaration (variable_declarator name: (identifier) @name value: [
  (function_expression body: (_) @body)
  (generator_function body: (_) @body)
  (arrow_function body: (_) @body)
])) @definition.function

; const f = memo(() => ...)
((lexical_declaration (variable_declarator name: (identifier) @name value: (call_expression
  arguments: (arguments . [
    (function_expression body: (_) @body)
    (arrow_function body: (_) @body)
  ])))) @definition.function
  (#set! min-lines 3))

(lexical_declaration (variable_declarator name: (identifier) @name value: (class body: (_) @body)))
  @definition.class
(variable_declaration (variable_declarator name: (identifier) @name value: (class body: (_) @body)))
  @definition.class

; const api = { ... }
(lexical_declaration (variable_declarator name: (identifier) @name value: (object) @body)) @definition.object
(variable_declaration (variable_declarator name: (identifier) @name value: (object) @body)) @definition.object

; exports.f = function ...
(expression_statement (assignment_expression left: [(member_expression) (identifier)] @name right: [
  (function_expression body: (_) @body)
  (generator_function body: (_) @body)
  (arrow_function body: (_) @body)
])) @definition.function
(expression_statement (assignment_expression
  left: [(member_expression) (identifier)] @name
  right: (class body: (_) @body))) @definition.class
(expression_statement (assignment_expression
  left: (member_expression) @name
  right: (object) @body)) @definition.object

; { f: function ... }
((pair key: [(property_identifier) (string) (number)] @name value: [
  (function_expression body: (_) @body)
  (generator_function body: (_) @body)
  (arrow_function body: (_) @body)
]) @definition.method
  (#set! min-lines 3))

(comment) @comment
(decorator) @attached
