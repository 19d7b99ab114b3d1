; The colon, because comments may stand between it and the first statement.
(function_definition name: (identifier) @name ":" @body) @definition.function
(class_definition name: (identifier) @name ":" @body) @definition.class
(decorated_definition definition: (_) @inner) @extent

(function_definition body: (block . (string) @docstring)) @documented
(class_definition body: (block . (string) @docstring)) @documented
(module . (comment)* . (string) @docstring) @documented

(comment) @comment
