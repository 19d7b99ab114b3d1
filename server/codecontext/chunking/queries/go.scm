(function_declaration name: (_) @name body: (_) @body) @definition.function

(method_declaration
  receiver: (parameter_list (parameter_declaration type: [
    (type_identifier) @owner
    (pointer_type (type_identifier) @owner)
    (generic_type type: (_) @owner)
    (pointer_type (generic_type type: (_) @owner))
  ]))
  name: (_) @name
  body: (_) @body) @definition.method

(type_declaration . (type_spec) @inner .) @extent
(type_spec name: (_) @name type: (struct_type (_) @body)) @definition.class
(type_spec name: (_) @name type: (interface_type "{" @body)) @definition.class
(type_spec name: (_) @name) @definition.class

(comment) @comment
