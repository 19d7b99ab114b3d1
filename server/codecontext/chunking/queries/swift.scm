(class_declaration name: (_) @name body: (_) @body) @definition.class
(protocol_declaration name: (_) @name body: (_) @body) @definition.class

(function_declaration name: (_) @name body: (_) @body) @definition.function
((protocol_function_declaration name: (_) @name) @definition.method
  (#set! min-lines 2))
(init_declaration name: "init" @name body: (_) @body) @definition.method
(deinit_declaration "deinit" @name body: (_) @body) @definition.method
(subscript_declaration "subscript" @name (computed_property) @body) @definition.method
((property_declaration name: (pattern (simple_identifier) @name) computed_value: (_) @body) @definition.method
  (#set! min-lines 3))

[(comment) (multiline_comment)] @comment
