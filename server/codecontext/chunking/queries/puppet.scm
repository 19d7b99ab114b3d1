(class_definition . (class_identifier) @name (block) @body) @definition.class
(defined_resource_type . (class_identifier) @name (block) @body) @definition.class
(node_definition . (node_name) @name (block) @body) @definition.class
(function_declaration . (class_identifier) @name (block) @body) @definition.function

(comment) @comment
