(type_definition (type_name name: (_) @name) "{" @body) @definition.class
(type_definition (type_name name: (_) @name)) @definition.class
((type_alias (type_name name: (_) @name)) @definition.class
  (#set! min-lines 2))
(function name: (_) @name body: (_) @body) @definition.function
(function name: (_) @name) @definition.function

[(comment) (module_comment) (statement_comment)] @comment
(attribute) @attached
