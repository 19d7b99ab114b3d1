(function_definition declarator: (function_declarator declarator: (_) @name) body: (_) @body)
  @definition.function
(function_definition declarator: (_ declarator: (function_declarator declarator: (_) @name)) body: (_) @body)
  @definition.function
(function_definition
  declarator: (_ declarator: (_ declarator: (function_declarator declarator: (_) @name)))
  body: (_) @body) @definition.function

; Prototypes are chunks of their own when they are documented.
((declaration declarator: (function_declarator declarator: (_) @name)) @definition.function
  (#set! min-lines 2))
((declaration declarator: (pointer_declarator declarator: (function_declarator declarator: (_) @name)))
  @definition.function
  (#set! min-lines 2))

(type_definition
  type: [
    (struct_specifier !name body: (_) @body)
    (union_specifier !name body: (_) @body)
    (enum_specifier !name body: (_) @body)
  ]
  declarator: (_) @name) @definition.class
(type_definition type: (_) @inner) @extent
(struct_specifier name: (_) @name body: (_) @body) @definition.class
(union_specifier name: (_) @name body: (_) @body) @definition.class
(enum_specifier name: (_) @name body: (_) @body) @definition.class

; #define MAX(a, b) ...
((preproc_function_def name: (_) @name) @definition.function
  (#set! min-lines 2))

(comment) @comment
