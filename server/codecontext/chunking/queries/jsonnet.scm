(bind function: (_) @name params: (_) body: (_) @body) @definition.function
(field function: (_) @name) @definition.function
(field (fieldname (id) @name) (anonymous_function) @body) @definition.function

(comment) @comment
