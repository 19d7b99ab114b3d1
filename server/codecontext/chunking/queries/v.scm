(struct_declaration name: (_) @name) @definition.class
(enum_declaration name: (_) @name) @definition.class
(interface_declaration name: (_) @name) @definition.class
(function_declaration
  receiver: (parameter_list (parameter_declaration type: [
    (type_identifier) @owner
    (pointer_type (type_identifier) @owner)
  ]))
  name: (_) @name body: (_) @body) @definition.method
(function_declaration name: (_) @name body: (_) @body) @definition.function

(comment) @comment
