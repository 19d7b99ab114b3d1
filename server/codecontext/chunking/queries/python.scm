(function_definition name: (identifier) @name body: (_) @body) @definition.function
(class_definition name: (identifier) @name body: (_) @body) @definition.class
(decorated_definition definition: (_) @inner) @extent

(function_definition body: (block . (string) @docstring)) @documented
(class_definition body: (block . (string) @docstring)) @documented
(module . (comment)* . (string) @docstring) @documented

(comment) @comment
