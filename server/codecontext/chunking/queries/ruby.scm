(module name: (_) @name body: (_) @body) @definition.module
(module name: (_) @name) @definition.module
(class name: (_) @name body: (_) @body) @definition.class
(class name: (_) @name) @definition.class
(singleton_class) @definition.namespace
(assignment left: (constant) @name right: (call block: (_) @body)) @definition.object

(method name: (_) @name parameters: (_)? body: (_) @body) @definition.function
(method name: (_) @name) @definition.function
(singleton_method name: (_) @name body: (_) @body) @definition.method
(singleton_method name: (_) @name) @definition.method

(comment) @comment
