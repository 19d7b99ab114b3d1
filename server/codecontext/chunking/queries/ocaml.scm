(module_definition (module_binding (module_name) @name body: (_) @body)) @definition.namespace
(class_definition (class_binding (class_name) @name body: (_) @body)) @definition.class
(method_definition (method_name) @name body: (_) @body) @definition.method

; Functions, but not those inside of functions.
(compilation_unit (value_definition
  (let_binding
    pattern: [(value_name) @name (parenthesized_operator (_) @name)]
    (parameter) body: (_) @body) @definition.function))
(structure (value_definition
  (let_binding
    pattern: [(value_name) @name (parenthesized_operator (_) @name)]
    (parameter) body: (_) @body) @definition.function))
(compilation_unit (value_definition
  (let_binding pattern: (value_name) @name body: [(fun_expression) (function_expression)] @body) @definition.function))
(structure (value_definition
  (let_binding pattern: (value_name) @name body: [(fun_expression) (function_expression)] @body) @definition.function))
((compilation_unit (value_definition
  (let_binding pattern: (value_name) @name body: (_) @body) @definition.function))
  (#set! min-lines 3))
((structure (value_definition
  (let_binding pattern: (value_name) @name body: (_) @body) @definition.function))
  (#set! min-lines 3))
(value_definition . (let_binding) @inner .) @extent
