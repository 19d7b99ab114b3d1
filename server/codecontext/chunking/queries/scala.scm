(class_definition name: (_) @name body: (_) @body) @definition.class
(class_definition name: (_) @name) @definition.class
(object_definition name: (_) @name body: (_) @body) @definition.class
(object_definition name: (_) @name) @definition.class
(trait_definition name: (_) @name body: (_) @body) @definition.class
(trait_definition name: (_) @name) @definition.class
(enum_definition name: (_) @name body: (_) @body) @definition.class

(function_definition name: (_) @name body: (_) @body) @definition.function
((function_declaration name: (_) @name) @definition.function
  (#set! min-lines 2))
((given_definition name: (_) @name body: (_) @body) @definition.class
  (#set! min-lines 2))

[(comment) (block_comment)] @comment
