(class_declaration (type_identifier) @name [(class_body) (enum_class_body)] @body) @definition.class
(class_declaration (type_identifier) @name) @definition.class
(object_declaration (type_identifier) @name (class_body) @body) @definition.class
(companion_object (type_identifier)? @name (class_body) @body) @definition.namespace

(function_declaration
  receiver: (receiver_type (user_type (type_identifier) @owner))
  (simple_identifier) @name
  (function_body) @body) @definition.method
(function_declaration (simple_identifier) @name (function_body) @body) @definition.function
((function_declaration (simple_identifier) @name) @definition.function
  (#set! min-lines 2))
(secondary_constructor "constructor" @name (function_value_parameters) (statements) @body) @definition.method
(secondary_constructor "constructor" @name) @definition.method

[(line_comment) (multiline_comment)] @comment
