(function_definition declarator: (function_declarator declarator: (_) @name) body: (_) @body) @definition.function
(struct_specifier name: (_) @name body: (_) @body) @definition.class

(comment) @comment
