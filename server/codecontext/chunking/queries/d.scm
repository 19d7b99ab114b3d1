(class_declaration (identifier) @name (aggregate_body) @body) @definition.class
(interface_declaration (identifier) @name (aggregate_body) @body) @definition.class
(struct_declaration (identifier) @name (aggregate_body) @body) @definition.class
(union_declaration (identifier) @name (aggregate_body) @body) @definition.class
(enum_declaration . (enum) . (identifier) @name "{" @body) @definition.class
(template_declaration (identifier) @name "{" @body) @definition.namespace
(mixin_template_declaration (template_declaration (identifier) @name)) @definition.namespace
(constructor (this) @name (function_body) @body) @definition.method
(function_declaration (identifier) @name (function_body) @body) @definition.function

(comment) @comment
(at_attribute) @attached
