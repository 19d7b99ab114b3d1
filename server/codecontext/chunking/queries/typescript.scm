(abstract_class_declaration name: (_) @name body: (_) @body) @definition.class
(interface_declaration name: (_) @name body: (_) @body) @definition.class
(enum_declaration name: (_) @name body: (_) @body) @definition.class
((type_alias_declaration name: (_) @name value: (_) @body) @definition.class
  (#set! min-lines 2))

(internal_module name: (_) @name body: (_) @body) @definition.namespace
(module name: (identifier) @name body: (_) @body) @definition.namespace
(ambient_declaration (_) @inner) @extent

(public_field_definition name: (_) @name value: [
  (function_expression body: (_) @body)
  (arrow_function body: (_) @body)
]) @definition.method

; Declarations without a body are chunks of their own when they are documented.
((function_signature name: (_) @name) @definition.function
  (#set! min-lines 2))
((method_signature name: (_) @name) @definition.method
  (#set! min-lines 2))
((abstract_method_signature name: (_) @name) @definition.method
  (#set! min-lines 2))
