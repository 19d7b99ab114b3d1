(object_type_definition (name) @name (fields_definition)? @body) @definition.class
(object_type_extension (name) @name (fields_definition)? @body) @definition.class
(interface_type_definition (name) @name (fields_definition)? @body) @definition.class
(interface_type_extension (name) @name (fields_definition)? @body) @definition.class
(input_object_type_definition (name) @name (input_fields_definition)? @body) @definition.class
(input_object_type_extension (name) @name (input_fields_definition)? @body) @definition.class
(enum_type_definition (name) @name (enum_values_definition)? @body) @definition.class
(enum_type_extension (name) @name (enum_values_definition)? @body) @definition.class
(union_type_definition (name) @name) @definition.class
((scalar_type_definition (name) @name) @definition.class
  (#set! min-lines 2))
((directive_definition (name) @name) @definition.function
  (#set! min-lines 2))
(fragment_definition (fragment_name) @name (selection_set) @body) @definition.function
(operation_definition (name) @name (selection_set) @body) @definition.function

(object_type_definition (description) @docstring) @documented
(interface_type_definition (description) @docstring) @documented
(input_object_type_definition (description) @docstring) @documented
(enum_type_definition (description) @docstring) @documented
(union_type_definition (description) @docstring) @documented
(scalar_type_definition (description) @docstring) @documented
(directive_definition (description) @docstring) @documented

(comment) @comment
