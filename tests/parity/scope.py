"""Public names of PyTorch that tour does not set out to have, each group with its reason. `*` stands for anything."""

from __future__ import annotations

YET_TO_COME = "not in tour yet"  # may come any day, so nobody checks that these are still absent

# By module: a reason, and the names it is for.
OUT_OF_SCOPE: dict[str, dict[str, str]] = {
    "torch": {
        "quantised tensors are out of scope": """
            QInt32Storage QInt8Storage QUInt2x4Storage QUInt4x2Storage QUInt8Storage choose_qparams_optimized dequantize
            empty_quantized fake_quantize_per_channel_affine fake_quantize_per_tensor_affine fbgemm_* fused_moving_avg_obs_fake_quant
            int_repr per_channel_affine per_channel_affine_float_qparams per_channel_symmetric per_tensor_affine per_tensor_symmetric
            q_per_channel_axis q_per_channel_scales q_per_channel_zero_points q_scale q_zero_point qint32 qint8 qscheme quantization
            quantize_per_channel quantize_per_tensor quantize_per_tensor_dynamic quantized_batch_norm quantized_gru
            quantized_gru_cell quantized_lstm quantized_lstm_cell quantized_max_pool1d quantized_max_pool2d quantized_max_pool3d
            quantized_rnn_relu_cell quantized_rnn_tanh_cell quint2x4 quint4x2 quint8 ao
        """,
        "sparse, masked and nested tensors are out of scope": """
            ccol_indices_copy col_indices_copy crow_indices_copy dsmm hsmm hspmm indices_copy jagged masked native_norm nested
            resize_as_sparse_ row_indices_copy saddmm smm sparse sparse_* spmm sspaddmm values_copy
        """,
        "nothing is compiled, traced or exported, so its types and graphs do not exist": """
            AggregationType AliasDb AnyType Argument ArgumentSpec AVG AwaitType BenchmarkConfig BenchmarkExecutionStats Block BoolType
            CallStack Capsule ClassType Code CompilationUnit CompleteArgumentSpec ComplexType ConcreteModuleType
            ConcreteModuleTypeBuilder DeepCopyMemoTable DeserializationStorageContext DeviceObjType DictType DispatchKey DispatchKeySet
            EnumType ErrorReport ExcludeDispatchKeyGuard ExecutionPlan FatalError FileCheck FloatType FunctionSchema Future FutureType
            Gradient Graph GraphExecutorState IODescriptor InferredType IntType InterfaceType JITException ListType LiteScriptModule
            LockingLogger LoggerBase ModuleDict BufferDict ParameterDict Node NoneType NoopLogger NumberType OperatorInfo OptionalType
            PyObjectType PyTorchFileReader PyTorchFileWriter RRefType SUM Script* SerializationStorageContext StaticModule
            StreamObjType StringType SymBool SymBoolType SymFloat SymInt SymIntType Tag TensorType ThroughputBenchmark TracingState
            TupleType Type UnionType Use Value classes compiler cond cpp export fork functional futures fx import_ir_module
            import_ir_module_from_buffer library merge_type_from_type_comment parse_ir parse_schema parse_type_comment package
            sym_* unify_type_list wait while_loop
        """,
        "private machinery that PyTorch does not document": """
            DisableTorchFunction DisableTorchFunctionSubclass PRIVATE_OPS USE_GLOBAL_DEPS USE_RTLD_GLOBAL_WITH_LIBTORCH
            batch_norm_backward_elemt batch_norm_backward_reduce
            batch_norm_elemt batch_norm_gather_stats batch_norm_gather_stats_with_counts batch_norm_stats batch_norm_update_stats
            classproperty compiled_with_cxx11_abi get_file_path init_num_threads is_distributed
            is_vulkan_available is_warn_always_enabled legacy_contiguous_format overrides
            prepare_multiprocessing_environment profiler_allow_cudagraph_cupti_lazy_reinit_cuda12 set_warn_always
            slice_inverse torch_version
        """,
        "kernels of libraries and devices that tour does not call": """
            cudnn_* miopen_* mkldnn_* get_device_module has_lapack has_mkl has_openmp has_spectral mps mtia xpu cpu accelerator
            Stream Event AcceleratorError
        """,
        "dtypes that NumPy and ml_dtypes do not compute with": """
            bit bits16 bits1x8 bits2x4 bits4x2 bits8 chalf complex32 float4_e2m1fn_x2 int1 int2 int3 int4 int5 int6 int7 uint1 uint2
            uint3 uint4 uint5 uint6 uint7
        """,
        "PyTorch has removed them: they only raise": "eig lstsq matrix_rank solve symeig",
        "typed storages are deprecated": """
            BFloat16Storage BoolStorage ByteStorage CharStorage ComplexDoubleStorage ComplexFloatStorage DoubleStorage FloatStorage
            HalfStorage IntStorage LongStorage ShortStorage Storage StorageBase TypedStorage storage
        """,
        "modules of Python's that PyTorch happens to import": """
            builtins ctypes functools glob importlib inspect math os platform sys textwrap threading warnings torch
        """,
        "mixed precision on devices that tour does not have": """
            get_autocast_ipu_dtype get_autocast_xla_dtype is_autocast_ipu_enabled is_autocast_xla_enabled set_autocast_ipu_*
            set_autocast_xla_*
        """,
        "it comes with the device: tour.cuda.OutOfMemoryError": "OutOfMemoryError",
        YET_TO_COME: """
            embedding_bag hub load onnx lobpcg monitor multiprocessing profiler quasirandom save segment_reduce serialization types windows
        """,
    },
    "torch.Tensor": {
        "quantised tensors are out of scope": """
            dequantize int_repr q_per_channel_axis q_per_channel_scales q_per_channel_zero_points q_scale q_zero_point qscheme
        """,
        "sparse, masked and nested tensors are out of scope": """
            ccol_indices coalesce col_indices crow_indices dense_dim indices is_coalesced resize_as_sparse_ row_indices smm sparse_*
            sspaddmm to_dense to_padded_tensor to_sparse to_sparse_* values
        """,
        "named tensors and first-class dimensions are prototypes": "index name",
        "private machinery that PyTorch does not document": """
            const_data_ptr grad_dtype is_distributed module_load output_nr slice_inverse storage_type
        """,
        "PyTorch has removed them: they only raise": "eig lstsq reinforce resize resize_as solve symeig volatile",
        "kernels of libraries and devices that tour does not call": "ipu mtia to_mkldnn xpu",
        "complex32 has no NumPy dtype": "chalf",
    },
    "torch.linalg": {"pieces of docstrings": "common_notes"},
    "torch.fft": {
        "pieces of docstrings, and what the module happens to import": "Tensor common_args factory_common_args torch"
    },
    "torch.special": {
        "pieces of docstrings, and what the module happens to import": "Tensor common_args multi_dim_common torch"
    },
    "torch.signal.windows": {"the module's own file": "windows"},
    "torch.random": {"what the module happens to import": "contextlib torch warnings"},
    "torch.testing": {"nothing is compiled": "FileCheck"},
    "torch.distributions": {
        YET_TO_COME: """
            *Transform AbsTransform Beta Binomial Chi2 ContinuousBernoulli Dirichlet ExponentialFamily FisherSnedecor Gamma
            GeneralizedPareto HalfCauchy InverseGamma Kumaraswamy LKJCholesky LogisticNormal LowRankMultivariateNormal
            MixtureSameFamily Multinomial NegativeBinomial OneHotCategoricalStraightThrough Pareto RelaxedBernoulli
            RelaxedOneHotCategorical StudentT TransformedDistribution VonMises Weibull Wishart biject_to constraint_registry
            identity_transform transform_to transforms
        """,
        "one file for each distribution there, for each family here": """
            bernoulli beta binomial categorical cauchy chi2 continuous_bernoulli dirichlet exp_family exponential fishersnedecor
            gamma generalized_pareto geometric gumbel half_cauchy half_normal independent inverse_gamma kumaraswamy laplace
            lkj_cholesky log_normal logistic_normal lowrank_multivariate_normal mixture_same_family multinomial
            multivariate_normal negative_binomial one_hot_categorical pareto poisson relaxed_bernoulli relaxed_categorical studentT
            transformed_distribution uniform utils von_mises weibull wishart
        """,
    },
    "torch.autograd": {
        "legacy machinery that PyTorch does not document": """
            NestedIOFunction SavedTensor handle_torch_function has_torch_function is_tensor_like is_view_replay_enabled
            anomaly_mode enforce_grad_layout_policy is_multithreading_enabled
        """,
        "the profiler: Python's own sees into every op": """
            DeviceType ProfilerActivity ProfilerConfig ProfilerEvent ProfilerState kineto_available profiler profiler_legacy
            profiler_util
        """,
        "what the module happens to import": "Mapping Sequence cast overload torch warnings",
    },
    "torch.autograd.graph": {
        "nothing is compiled, and a backward pass has one stream": """
            region_activation_memory_budget set_override_stale_capture_stream set_warn_on_accumulate_grad_stream_mismatch
        """,
        "what the module happens to import": """
            Generator Iterable Iterator Literal MutableMapping Optional RemovableHandle Sequence TorchDispatchMode TypeAlias
            Union Variable WeakKeyDictionary WeakValueDictionary abc cast contextlib contextvars defaultdict deque functools log
            logging threading torch
        """,
    },
    "torch.autograd.functional": {"what the module happens to import": "fwAD torch"},
    "torch.autograd.forward_ad": {"what the module happens to import": "os torch"},
    "torch.func": {
        "programs run as they are written, so there is nothing to make functional or to unwrap": "functionalize debug_unwrap",
        "einops itself takes tour's tensors": "rearrange",
    },
}
