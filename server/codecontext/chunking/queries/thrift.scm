(struct_definition type: (identifier) @name "{" @body) @definition.class
(union_definition type: (identifier) @name "{" @body) @definition.class
(exception_definition . (identifier) @name "{" @body) @definition.class
(enum_definition type: (identifier) @name "{" @body) @definition.class
(service_definition type: (identifier) @name "{" @body) @definition.class
((function_definition (identifier) @name) @definition.method
  (#set! min-lines 2))

(comment) @comment
