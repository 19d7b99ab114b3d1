(class_declaration name: (_) @name body: (_) @body) @definition.class
(interface_declaration name: (_) @name body: (_) @body) @definition.class
(typedef_declaration name: (_) @name) @definition.class
(function_declaration name: _ @name body: (_) @body) @definition.function

(comment) @comment
(metadata) @attached
