(module_declaration (module_header (simple_identifier) @name)) @definition.class
(interface_declaration (interface_ansi_header (interface_identifier) @name)) @definition.class
(package_declaration (package_identifier) @name ";" @body) @definition.namespace
(class_declaration (class_identifier) @name ";" @body) @definition.class
(class_constructor_declaration "new" @name) @definition.method
(function_declaration (function_body_declaration (function_identifier) @name ";" @body)) @definition.function
(task_declaration (task_body_declaration (task_identifier) @name ";" @body)) @definition.function

(comment) @comment
