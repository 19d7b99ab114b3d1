(class_definition name: (_) @name body: (_) @body) @definition.class
(enum_declaration name: (_) @name body: (_) @body) @definition.class
(extension_declaration name: (_) @name body: (_) @body) @definition.class
(extension_type_declaration name: (_) @name body: (_) @body) @definition.class
(mixin_declaration (identifier) @name (class_body) @body) @definition.class
((type_alias . (type_identifier) @name) @definition.class
  (#set! min-lines 2))

; A body stands beside its signature.
((method_signature (constructor_signature name: (identifier) . "." . name: (identifier) @name)) @definition.method
  . (function_body)? @body)
((method_signature (factory_constructor_signature (identifier) . (identifier) @name)) @definition.method
  . (function_body)? @body)
((method_signature [
  (constructor_signature name: (identifier) @name)
  (factory_constructor_signature . (identifier) @name)
  (function_signature name: (_) @name)
  (getter_signature name: (_) @name)
  (setter_signature name: (_) @name)
  (operator_signature (binary_operator) @name)
]) @definition.method . (function_body) @body)
((function_signature name: (_) @name) @definition.function . (function_body) @body)
((getter_signature name: (_) @name) @definition.function . (function_body) @body)
((setter_signature name: (_) @name) @definition.function . (function_body) @body)
((declaration (function_signature name: (_) @name)) @definition.method
  (#set! min-lines 2))

[(comment) (documentation_comment)] @comment
(annotation) @attached
