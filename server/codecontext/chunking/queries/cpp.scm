(namespace_definition name: (_) @name body: (_) @body) @definition.namespace
(class_specifier name: (_) @name body: (_) @body) @definition.class
(template_declaration [
  (class_specifier) (struct_specifier) (union_specifier) (function_definition) (declaration)
  (concept_definition)
] @inner) @extent
(template_declaration (declaration (_) @inner)) @extent

; A reference_declarator has no field for what is inside.
(function_definition
  declarator: (reference_declarator (function_declarator declarator: (_) @name))
  body: (_) @body) @definition.function
(function_definition declarator: (operator_cast) @name body: (_) @body) @definition.function
(function_definition declarator: (function_declarator declarator: (_) @name)) @definition.function

((field_declaration declarator: (function_declarator declarator: (_) @name)) @definition.method
  (#set! min-lines 2))
((concept_definition name: (_) @name) @definition.class
  (#set! min-lines 2))
