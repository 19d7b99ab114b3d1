(module_definition (module_binding (module_name) @name module_type: (_) @body)) @definition.namespace
(module_type_definition (module_type_name) @name body: (_) @body) @definition.class
(type_definition . (type_binding name: (_) @name body: (_) @body)) @definition.class
((type_definition . (type_binding name: (_) @name)) @definition.class
  (#set! min-lines 2))

; Declarations without a body are chunks of their own when they are documented.
((value_specification (value_name) @name) @definition.function
  (#set! min-lines 2))
((external (value_name) @name) @definition.function
  (#set! min-lines 2))

(comment) @comment
(item_attribute) @attached
