(resource_declaration . (identifier) @name "=" @body) @definition.class
(module_declaration . (identifier) @name "=" @body) @definition.class
(type_declaration . (identifier) @name "=" @body) @definition.class
(user_defined_function name: (_) @name "=>" @body) @definition.function

[(comment) (diagnostic_comment)] @comment
(decorators) @attached
